// What anywidget calls to show a widget of ours: an answer under its cell, or an area of answers.

import { LiveView } from "./answer.js";
import { Area } from "./area.js";

/** @import { Model } from "./messages.js" */

/**
 * Show a widget.
 *
 * @param {{ model: Model, el: HTMLElement }} place
 * @returns {() => void} Takes it away.
 */
function render({ model, el }) {
  const isArea = model.get("shown") !== undefined;
  const view = isArea ? new Area(model, el) : new LiveView(model, el);
  return () => view.close();
}

export default { render };
