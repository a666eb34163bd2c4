"""Routes of templates and workflows."""

from . import acts, workflow_views, workflows
from .route import API, Route

TEMPLATES = Route("GET", f"{API}/templates", "read", "List templates by name", None, workflow_views.Templates)
TEMPLATE = Route("GET", f"{API}/templates/{{name}}", "read", "One template", None, workflow_views.Template)
TEMPLATE_PUT = Route(
    "PUT",
    f"{API}/templates/{{name}}",
    "submit",
    "Set a template",
    workflows.TemplateSpec,
    workflow_views.TemplatePut,
)
TEMPLATE_DELETE = Route(
    "DELETE", f"{API}/templates/{{name}}", "submit", "Delete a template", None, workflow_views.TemplateDeleted
)
WORKFLOW_START = Route(
    "POST", f"{API}/workflows", "submit", "Start a workflow", workflows.StartRequest, workflows.StartReply
)
WORKFLOWS = Route("GET", f"{API}/workflows", "read", "List workflows, newest first", None, workflow_views.Workflows)
WORKFLOW = Route("GET", f"{API}/workflows/{{workflow}}", "read", "One workflow", None, workflow_views.Workflow)
NODES = Route("GET", f"{API}/workflows/{{workflow}}/nodes", "read", "Nodes of a workflow", None, workflow_views.Nodes)
WORKFLOW_RELEASE = Route(
    "POST",
    f"{API}/workflows/{{workflow}}/release",
    "submit",
    "Release a held workflow",
    acts.WhyRequest,
    workflows.WorkflowChange,
)
WORKFLOW_CANCEL = Route(
    "POST",
    f"{API}/workflows/{{workflow}}/cancel",
    "submit",
    "Cancel a workflow",
    acts.WhyRequest,
    workflows.WorkflowChange,
)
WORKFLOW_RERUN = Route(
    "POST",
    f"{API}/workflows/{{workflow}}/rerun",
    "submit",
    "Run a workflow again",
    workflows.WorkflowRerun,
    workflows.StartReply,
)
