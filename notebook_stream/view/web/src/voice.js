// Says how an answer ended to those who hear the page.

const ID = "ns-voice";

/**
 * Have screen readers say some words once they are silent. The element for them is never removed,
 * as the words of one that has just appeared, or disappears with an answer, are not said.
 *
 * @param {string} words
 */
export function announce(words) {
  const voice = prepareVoice();
  voice.textContent = "";
  voice.textContent = words;
}

/** Return the element for the words, which has to be there for a while before they are. */
export function prepareVoice() {
  const known = document.getElementById(ID);
  if (known) return known;
  const made = document.createElement("div");
  made.id = ID;
  made.className = "ns-voice";
  made.setAttribute("role", "status");
  made.setAttribute("aria-live", "polite");
  document.body.append(made);
  return made;
}
