"""The commands that empty pages name, in one place: what to type next."""

START_PILOT = "p3s pilot start"
SUBMIT = "p3s submit ./payload.sh"
DEMO = "p3s demo"
REGISTER = "p3s data register FILE"

#: For templates.
ALL = {"pilot": START_PILOT, "submit": SUBMIT, "demo": DEMO, "register": REGISTER}
