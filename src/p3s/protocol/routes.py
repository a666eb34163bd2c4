"""Every route once: method, path, and what goes in and out. Server, clients and the API document read it.

Those of data, results and workflows stand in modules of their own; `every` has them all.
"""

from . import (
    accounts,
    acts,
    catalogue_routes,
    data_routes,
    declarations,
    gathering_routes,
    many,
    messages,
    replies,
    result_routes,
    services,
    views,
    workflow_routes,
)
from .route import API, Route

SUBMIT = Route("POST", f"{API}/jobs", "submit", "Submit jobs", messages.SubmitRequest, messages.SubmitReply, fast=True)
EXCHANGE = Route(
    "POST",
    f"{API}/pilots/{{pilot}}/exchange",
    "pilot:",
    "A pilot's order lane or report lane",
    messages.ExchangeRequest,
    messages.ExchangeReply,
    fast=True,
)
LIVE = Route("GET", f"{API}/live", "read", "What changed, as server-sent events", fast=True)

REGISTER = Route(
    "POST",
    f"{API}/pilots",
    "pilot",
    "Register a pilot",
    messages.RegisterRequest,
    messages.RegisterReply,
)
DEATH = Route(
    "POST",
    f"{API}/pilots/{{pilot}}/death",
    "pilot:",
    "A guardian says its pilot is dead",
    messages.DeathRequest,
    replies.DeathHeard,
)
PILOTS = Route("GET", f"{API}/pilots", "read", "List pilots, the latest registered first", None, replies.PilotRows)
PILOT = Route("GET", f"{API}/pilots/{{pilot}}", "read", "One pilot", None, views.Pilot)
JOBS = Route("GET", f"{API}/jobs", "read", "List jobs, newest first", None, replies.JobRows)
JOB = Route("GET", f"{API}/jobs/{{job}}", "read", "One job", None, views.Job)
LOG = Route("GET", f"{API}/jobs/{{job}}/logs/{{stream}}", "read", "stdout or stderr of a job")
CANCEL = Route(
    "POST",
    f"{API}/jobs/{{job}}/cancel",
    "submit",
    "Cancel a job",
    messages.CancelRequest,
    messages.CancelReply,
)
HOLD = Route("POST", f"{API}/jobs/{{job}}/hold", "submit", "Hold a queued job", acts.WhyRequest, acts.ChangeReply)
RELEASE = Route(
    "POST", f"{API}/jobs/{{job}}/release", "submit", "Release a held job", acts.WhyRequest, acts.ChangeReply
)
ADJUST = Route(
    "POST",
    f"{API}/jobs/{{job}}/adjust",
    "submit",
    "Change a job's priority",
    acts.AdjustRequest,
    acts.ChangeReply,
)
RERUN = Route("POST", f"{API}/reruns", "submit", "Run ended jobs again", acts.RerunRequest, acts.RerunReply)
CANCELS = Route("POST", f"{API}/cancels", "submit", "Cancel many jobs", many.ManyRequest, many.ManyReply)
HOLDS = Route("POST", f"{API}/holds", "submit", "Hold many jobs", many.ManyRequest, many.ManyReply)
RELEASES = Route("POST", f"{API}/releases", "submit", "Release many jobs", many.ManyRequest, many.ManyReply)
ADJUSTMENTS = Route(
    "POST",
    f"{API}/adjustments",
    "submit",
    "Change the priority of many jobs",
    many.AdjustManyRequest,
    many.ManyReply,
)
PILOT_ORDERS = Route(
    "POST",
    f"{API}/pilots/orders",
    "operate",
    "Drain or stop pilots",
    many.PilotOrderRequest,
    many.PilotOrderReply,
)
PURGE = Route(
    "POST",
    f"{API}/purges",
    "operate",
    "Remove the records of ended jobs or pilots",
    many.PurgeRequest,
    many.PurgeReply,
)
EXPLAIN = Route("GET", f"{API}/jobs/{{job}}/explain", "read", "Why a job is not running", None, acts.ExplainReply)
JOBTYPES = Route("GET", f"{API}/jobtypes", "read", "List job types", None, replies.JobTypes)
JOBTYPE = Route("PUT", f"{API}/jobtypes/{{name}}", "operate", "Set a job type", messages.JobTypeSpec, replies.Changed)
DECLARE = Route(
    "POST",
    f"{API}/declarations",
    "operate",
    "Declare job types, dimensions and limits",
    declarations.DeclareRequest,
    declarations.DeclareReply,
)
PAUSES = Route("GET", f"{API}/pauses", "read", "List what is paused", None, replies.Pauses)
PAUSE = Route(
    "PUT", f"{API}/pauses/{{jobtype}}", "operate", "Pause a job type, or all", acts.WhyRequest, replies.PauseChanged
)
RESUME = Route(
    "DELETE", f"{API}/pauses/{{jobtype}}", "operate", "Resume a job type, or all", None, replies.PauseChanged
)
HOSTS = Route("GET", f"{API}/hosts", "read", "List hosts of pilots, and what they are doubted for", None, replies.Hosts)
TRUST = Route(
    "POST", f"{API}/hosts/{{host}}/trust", "operate", "Trust a suspect host again", acts.WhyRequest, replies.Trusted
)
UPLOAD = Route(
    "PUT",
    f"{API}/jobs/{{job}}/attempts/{{attempt}}/files/{{path}}",
    "job:",
    "Upload a file of an attempt",
    None,
    replies.Uploaded,
)
PUBLISH = Route(
    "POST",
    f"{API}/jobs/{{job}}/attempts/{{attempt}}/results",
    "job:",
    "Publish the results of an attempt",
    messages.PublishRequest,
    messages.PublishReply,
)
ALARMS = Route("GET", f"{API}/alarms", "read", "List open alarms, the latest first", None, replies.Alarms)
SERVICES = Route("GET", f"{API}/services", "read", "List services and how they stand", None, replies.Services)
SERVICE = Route("GET", f"{API}/services/{{name}}", "read", "One service", None, services.ServiceState)
SERVICE_REPORT = Route(
    "POST",
    f"{API}/services/{{name}}/reports",
    "submit",
    "Report for a service",
    services.ServiceReport,
    services.ServiceState,
)
SERVICE_RUN = Route("POST", f"{API}/services/{{name}}/run", "operate", "Run a service now", None, services.ServiceState)
SERVICE_FORGET = Route(
    "DELETE",
    f"{API}/services/{{name}}",
    "submit",
    "Forget a service that reports no more",
    None,
    replies.ServiceForgotten,
)
TOKEN = Route("POST", f"{API}/tokens", "any:", "Make a token", accounts.TokenRequest, accounts.TokenReply)
TOKENS = Route("GET", f"{API}/tokens", "any:", "List tokens, the newest first", None, replies.Tokens)
REVOKE = Route("POST", f"{API}/tokens/{{id}}/revoke", "any:", "Revoke a token", acts.WhyRequest, views.Token)
USERS = Route("GET", f"{API}/users", "admin", "List users of the browser", None, replies.Users)
USER = Route(
    "PUT", f"{API}/users/{{name}}", "admin", "Make or change a user of the browser", accounts.UserRequest, views.User
)
EVENTS = Route(
    "GET", f"{API}/events", "operate", "The record: who did or decided what, newest first", None, replies.Record
)
SUMMARY = Route("GET", f"{API}/summary", "read", "Counts and freshness", None, views.Summary)
WHOAMI = Route("GET", f"{API}/whoami", "read", "Whose token this is, and the server's time", None, views.WhoAmI)
HEALTH = Route("GET", "/healthz", "", "200 when ready", None, replies.Health)


def every() -> "list[Route]":
    """All routes there are."""
    found = [one for one in globals().values() if isinstance(one, Route)]
    for module in (data_routes, catalogue_routes, gathering_routes, result_routes, workflow_routes):
        found += [one for one in vars(module).values() if isinstance(one, Route)]
    return found
