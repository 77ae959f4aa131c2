"""The output of a notebook cell that shows a widget."""

from __future__ import annotations

from typing import Any

from IPython.display import publish_display_data, update_display

from .. import host
from ..ledger.saved import DATA_PART, METADATA_KEY


def bundle_of(widget: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the data of the output that shows a widget, and its metadata.

    In Colab the metadata names the module that shows widgets of others there.
    """
    view = widget._repr_mimebundle_()
    data, metadata = view if isinstance(view, tuple) else (view, {})
    return data or {}, metadata


class WidgetDisplay:
    """Displays a widget, a fallback where it is not shown, and what takes its place at the end.

    Args:
        widget: An anywidget; the id of its model is the id of the output, too.
        name: The variable that will hold the reply; "" for none.
    """

    def __init__(self, widget: Any, name: str) -> None:
        self._widget = widget
        self._name = name
        self._has_fallback = False
        self._metadata: dict[str, Any] = {}
        self._metadata_is_fixed = host.metadata_is_fixed()

    def show(self) -> None:
        """Display the widget, with a fallback for front ends that know no widgets."""
        data, self._metadata = self._bundle()
        publish_display_data(  # type: ignore[no-untyped-call] # IPython's
            data, self._metadata, transient={"display_id": self._widget.model_id}
        )

    def show_fallback(self) -> None:
        """Replace the widget by text that says how to stop the answer; once only."""
        if not self._has_fallback:
            self._has_fallback = True
            self.replace(self._fallback("Claude is answering, and this page cannot show it live"))

    def drop_fallback(self) -> None:
        """Display the widget again, where `show_fallback` has replaced it."""
        if self._has_fallback:
            self._has_fallback = False
            self.replace(*self._bundle())

    def replace(self, data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        """Replace the data of the output, by MIME type, and its metadata.

        Where the front end needs the metadata as they were displayed first, they stay so, and this
        package's facts among the new ones become a part of the data.
        """
        if self._metadata_is_fixed:
            facts = (metadata or {}).get(METADATA_KEY)
            data = {**data, DATA_PART: facts} if facts else data
            metadata = self._metadata
        update_display(  # type: ignore[no-untyped-call] # IPython's
            data, raw=True, display_id=self._widget.model_id, metadata=metadata
        )

    def _bundle(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the data of the output that shows the widget, and its metadata."""
        data, metadata = bundle_of(self._widget)
        return {**data, **self._fallback("Claude is answering")}, metadata

    def _fallback(self, what: str) -> dict[str, Any]:
        where = f" Its text will be in `{self._name}`." if self._name else ""
        text = f"{what}; ■ (interrupt the kernel) stops it.{where}"
        return {"text/markdown": f"*{text}*", "text/plain": text.replace("`", "")}
