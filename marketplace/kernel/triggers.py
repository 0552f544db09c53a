"""Triggers in migrations."""

from django.db.migrations.state import ProjectState
from pgtrigger import migrations


class AddTrigger(migrations.AddTrigger):
    """As pgtrigger's, which renders the model and all related ones anew each time. Nothing in them follows from a
    trigger, and over the hundred of a first migration it was two thirds of the time `migrate` took.
    """

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        options = state.models[app_label, self.model_name].options
        options["triggers"] = [*options.get("triggers", []), self.trigger]
