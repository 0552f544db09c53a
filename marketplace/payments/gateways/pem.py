"""Keys come as PEM text in the environment, where most tools keep a text on one line."""


def pem(text: str) -> str:
    r"""The PEM text itself; a literal "\n", as one-line settings have it, counts as a line's end."""
    return text.replace("\\n", "\n").strip() + "\n"
