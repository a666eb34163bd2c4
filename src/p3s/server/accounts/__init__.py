"""Tables of tokens and the secret from which derived tokens are made."""
