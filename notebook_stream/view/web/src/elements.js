// Makes elements of the view.

/**
 * Append a new element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} name Its class.
 * @param {Element} parent
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, name, parent, text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  parent.append(made);
  return made;
}

/**
 * Append a new button.
 *
 * @param {string} name Its class.
 * @param {Element} parent
 * @param {string} text
 * @param {() => void} press
 * @returns {HTMLButtonElement}
 */
export function button(name, parent, text, press) {
  const made = element("button", name, parent, text);
  made.type = "button";
  made.addEventListener("click", press);
  return made;
}
