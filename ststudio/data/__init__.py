"""From anything that holds rows to examples: three parts that share no text."""
