"""The nouns that two rooms use."""
