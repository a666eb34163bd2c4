"""Workflow templates on the server."""

from urllib.parse import urlencode

from p3s.protocol import codec, workflow_routes
from p3s.protocol.workflow_views import Template, TemplateDeleted, TemplatePut, TemplateRow
from p3s.protocol.workflows import TemplateSpec

from .asking import Asking


def spec_of(found: Template) -> TemplateSpec:
    """A template of the server as it was put."""
    return codec.from_object(TemplateSpec, {**found["spec"], "source": found["source"]})


class Templates(Asking):
    """What `Client` does with templates. Read them from files with `p3s.client.templates.read`."""

    def templates(
        self, limit: int | None = None, name: str = "", owner: str = "", deleted: bool = False
    ) -> list[TemplateRow]:
        """By name; `name` is the beginning of one. With `deleted` those too that can be started no more."""
        asked = {"name": name, "owner": owner, "deleted": deleted}
        return list(self._pages(workflow_routes.TEMPLATES, "templates", limit, asked))

    def template(self, name: str, version: int | None = None) -> Template:
        """One version, that in force unless another is named, with all there were. Raises NotKnown."""
        query = "" if version is None else f"?version={version}"
        found: Template = self._ask(workflow_routes.TEMPLATE, query, name=name)
        return found

    def template_spec(self, name: str, version: int | None = None) -> TemplateSpec:
        """The same as it was put."""
        return spec_of(self.template(name, version))

    def put_template(self, template: TemplateSpec, why: str = "") -> TemplatePut:
        """Store a template, as a new version if it is not so already."""
        query = "?" + urlencode({"why": why}) if why else ""
        found: TemplatePut = self._ask(workflow_routes.TEMPLATE_PUT, query, body=template, name=template.name)
        return found

    def delete_template(self, name: str, why: str = "") -> TemplateDeleted:
        """No workflow is started of it any more; those that run go on."""
        query = "?" + urlencode({"why": why}) if why else ""
        found: TemplateDeleted = self._ask(workflow_routes.TEMPLATE_DELETE, query, name=name)
        return found
