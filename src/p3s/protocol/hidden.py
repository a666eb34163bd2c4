"""Variables that hold secrets, by their names: their values are shown to nobody."""

SECRETS = ("TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "PRIVATE_KEY", "API_KEY", "APIKEY")


def is_secret(variable: str) -> bool:
    """Whether the name has one of these words."""
    return any(word in variable.upper() for word in SECRETS)
