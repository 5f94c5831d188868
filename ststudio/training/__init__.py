"""From a recipe and examples to a fine-tuned model and its report."""
