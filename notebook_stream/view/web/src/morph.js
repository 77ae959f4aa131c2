// Changes the open part of an answer into its next state and keeps the nodes that stay, so that a
// paint disturbs no selection, no focus, no fold and no scrolled box.
//
// The library is morphdom 2.7.8 (5 KB minified; 2.3 KB compressed). idiomorph 0.8.0 (10 KB) finds
// nodes that have moved, which a text that only grows has none of, and nanomorph (4 KB) has had no
// release since 5.4.3, only betas of 6.0.0. Two things are added: morphdom assigns the text of text
// nodes, by which a browser drops the selection in them, and it has no say on folds that a reader
// has opened or closed.

import morphdom from "morphdom";

const OVERLAP = 32; // The characters by which the end of a shortened text is found again.

/** @type {WeakSet<Element>} */
const touched = new WeakSet();

/**
 * Leave each fold in an element as the reader left it, whatever paints say of it later.
 *
 * @param {Element} text
 */
export function rememberFolds(text) {
  text.addEventListener("click", (event) => {
    const summary = /** @type {Element} */ (event.target).closest("summary");
    if (summary?.parentElement) touched.add(summary.parentElement);
  });
}

/**
 * Change a node into another.
 *
 * @param {Node} from
 * @param {Node} to
 * @returns {Node} The node in the document: `from`, where both are of the same kind.
 */
export function morph(from, to) {
  if (from instanceof CharacterData && from.nodeType === to.nodeType) {
    changeText(from, to.nodeValue ?? "");
    return from;
  }
  if (from.nodeName !== to.nodeName) {
    /** @type {ChildNode} */ (from).replaceWith(to);
    return to;
  }
  return morphdom(from, to, {
    getNodeKey: () => undefined,
    onBeforeElUpdated: prepare,
    onBeforeNodeDiscarded: (node) => !(node instanceof Element && node.matches(".ns-copy")),
  });
}

/**
 * @param {Element} from
 * @param {Element} to
 * @returns {boolean} Whether there is anything to change.
 */
function prepare(from, to) {
  if (from.isEqualNode(to)) return false;
  if (touched.has(from)) to.toggleAttribute("open", from.hasAttribute("open"));
  const next = to.childNodes;
  from.childNodes.forEach((node, n) => {
    const now = next[n];
    if (node instanceof Text && now instanceof Text) changeText(node, now.data);
  });
  return true;
}

/**
 * Change a text by the smallest edit at its end, in its middle or, where its beginning was dropped,
 * at its beginning: a selection outside of the edit stays.
 *
 * @param {CharacterData} node
 * @param {string} next
 */
export function changeText(node, next) {
  const now = node.data;
  if (now === next) return;
  const same = countCommon(now, next);
  const found = now.indexOf(next.slice(same, same + OVERLAP), same + 1);
  if (same < now.length && found > 0 && next.startsWith(now.slice(found), same)) {
    node.deleteData(same, found - same);
    node.appendData(next.slice(same + now.length - found));
  } else {
    node.replaceData(same, now.length - same, next.slice(same));
  }
}

/**
 * Return the number of characters at the beginning that two texts have in common.
 *
 * @param {string} a
 * @param {string} b
 */
function countCommon(a, b) {
  const most = Math.min(a.length, b.length);
  let n = 0;
  while (n < most && a[n] === b[n]) n++;
  return n;
}
