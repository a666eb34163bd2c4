"""The commands that empty pages name, in one place: what to type next. A test holds them to the command line."""

START_PILOT = "p3s pilot start"
SUBMIT = "p3s job submit -- ./payload.sh"
DEMO = "p3s demo"
REGISTER = "p3s watcher start streams.yaml"
TEMPLATE = "p3s workflow template put calib.yaml"
WORKFLOW = "p3s workflow start calib --input FILE"

#: For templates.
ALL = {
    "pilot": START_PILOT,
    "submit": SUBMIT,
    "demo": DEMO,
    "register": REGISTER,
    "template": TEMPLATE,
    "workflow": WORKFLOW,
}
