"""Base and fine-tuned model side by side: search, map, figures."""
