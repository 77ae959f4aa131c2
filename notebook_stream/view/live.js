// The live view in the page. The kernel sends each finished block once, and the open block with each
// message; the page appends the former, replaces the latter, and asks for packets that it lacks.
// The messages are described in live.py.

const PHASES = {
  waiting: "Waiting for the first token",
  thinking: "Thinking",
  writing: "Writing",
  done: "Done",
};
const TICK_MS = 100;
const SILENCE_MS = 10_000; // A kernel that lives sends a message every second.
const NEAR = 6; // The number of blocks to each side that may serve as an anchor.
const SWAP_MS = 3000; // The time that a page may take to lay out what replaces the view.
const AT_END_PX = 48; // The distance from the end within which the reader counts as at the end.

function element(tag, name, parent, text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  parent.append(made);
  return made;
}

function button(name, parent, text, press) {
  const made = element("button", name, parent, text);
  made.type = "button";
  made.addEventListener("click", press);
  return made;
}

// The header: the state and the figures of the answer, Stop and Copy.

function header(root, model, stopNow) {
  const bar = element("div", "ns-bar", root);
  element("span", "ns-pulse", bar).setAttribute("aria-hidden", "true");
  const state = element("span", "ns-state", bar, PHASES.waiting);
  state.setAttribute("role", "status");
  const name = element("span", "ns-model", bar, model.get("model"));
  const recorded = element("span", "ns-recorded", bar, "recorded reply");
  recorded.hidden = !model.get("recorded");
  const seconds = element("span", "ns-seconds", bar, "0.0 s");
  const tokens = element("span", "ns-tokens", bar, "0 tokens");
  const rate = element("span", "ns-rate", bar);
  const cost = element("span", "ns-cost", bar);
  const buttons = element("span", "ns-buttons", bar);
  const stop = button("ns-stop", buttons, "Stop", stopNow);
  stop.title = "Stop the answer and keep what came (Esc)";

  return {
    bar,
    buttons,
    setState(words) {
      if (state.textContent !== words) state.textContent = words;
    },
    setTime(ms) {
      seconds.textContent = `${(ms / 1000).toFixed(1)} s`;
    },
    showStopping() {
      stop.textContent = "Stopping";
      stop.disabled = true;
    },
    showFigures(message) {
      const about = message.exact || !message.tokens ? "" : "≈ ";
      name.textContent = message.model;
      tokens.textContent = `${about}${message.tokens.toLocaleString("en")} tokens`;
      rate.textContent = message.rate ? `${message.rate} tokens/s` : "";
      cost.textContent = message.cost ?? "";
    },
  };
}

// Copy the answer as Markdown, which the kernel sends, or a block of code.

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A page that was loaded over plain HTTP has no clipboard API.
    const area = element("textarea", "ns-copying", document.body, text);
    area.value = text;
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

function confirm(pressed, label) {
  pressed.textContent = "Copied";
  setTimeout(() => (pressed.textContent = label), 1500);
}

function addCopyButtons(from) {
  for (let node = from; node; node = node.nextElementSibling) {
    const blocks = node.matches("pre") ? [node] : node.querySelectorAll("pre");
    for (const pre of blocks) {
      const code = pre.querySelector("code");
      if (!code || pre.querySelector(".ns-copy")) continue;
      const made = button("ns-copy", pre, "Copy", () => {
        copy(code.textContent);
        confirm(made, "Copy");
      });
      made.setAttribute("aria-label", "Copy the code");
    }
  }
}

// Decode a packet: deflated JSON.

function inflate(buffer) {
  const whole = new Blob([buffer]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(whole).json();
}

// Return the element for the open part of a list, a table or a block of code; make it if needed.

function insideOf(block) {
  const known = block.querySelector(".ns-inside");
  if (known) return known;
  if (block.matches("table")) return element("tbody", "ns-inside", block);
  return element("span", "ns-inside", block.matches("ul, ol") ? block : block.querySelector("code"));
}

// Copy the class of a loose item to its list, as all items of the list are loose then. (A style
// with `:has` would do the same, but paints the end of a list of 1,000 items 0.4 s later.)
function markLoose(block) {
  if (block.querySelector(":scope > .ns-loose, :scope > .ns-inside > .ns-loose")) {
    block.classList.add("ns-loose");
  }
}

// The page around the view: the element that scrolls it, and those that would clip its header.

function scrollerOf(node) {
  for (let up = node.parentElement; up; up = up.parentElement) {
    const flow = getComputedStyle(up).overflowY;
    if ((flow === "auto" || flow === "scroll") && up.scrollHeight > up.clientHeight + 1) return up;
  }
  return document.scrollingElement;
}

function topOf(scroller) {
  return scroller === document.scrollingElement ? 0 : scroller.getBoundingClientRect().top;
}

function unclip(root) {
  const clipping = [];
  for (let up = root.parentElement; up; up = up.parentElement) {
    // A sticky header cannot leave an element that clips its overflow; only outputs of a cell do.
    if (up.matches(".jp-Cell, .cell, body")) break;
    if (getComputedStyle(up).overflowY !== "visible") clipping.push(up);
  }
  for (const up of clipping) up.classList.add("ns-unclipped");
  return () => clipping.forEach((up) => up.classList.remove("ns-unclipped"));
}

// Scroll to the end of the answer as it grows, until the reader scrolls away from it.
function follow(root, scroller) {
  let set = -1;
  let following = isAtEnd();
  const jump = button("ns-jump", root, "Jump to the end ↓", () => {
    following = true;
    update();
  });
  jump.hidden = true;

  function bottom() {
    return topOf(scroller) + scroller.clientHeight;
  }

  function isAtEnd() {
    const end = root.getBoundingClientRect().bottom;
    return end <= bottom() + AT_END_PX && end > bottom() - scroller.clientHeight;
  }

  function toEnd() {
    const over = root.getBoundingClientRect().bottom - bottom();
    if (over > 0) scroller.scrollTop += over;
    set = scroller.scrollTop;
  }

  // Called after each scroll; one that `toEnd` made is not the reader's.
  function onScroll() {
    if (scroller.scrollTop === set) return;
    following = isAtEnd();
    update();
  }

  function update() {
    if (following) toEnd();
    const box = root.getBoundingClientRect();
    jump.hidden = following || box.bottom <= bottom() || box.top > bottom();
  }

  const target = scroller === document.scrollingElement ? document : scroller;
  target.addEventListener("scroll", onScroll, { passive: true });
  return {
    update,
    end() {
      jump.remove();
      target.removeEventListener("scroll", onScroll);
    },
  };
}

// The end: the header is removed, and the block that the reader looks at keeps its place on the
// screen. The page removes the view without an event, so each frame records where the blocks are,
// and the first frame after the removal scrolls as the last record requires.

function recordPlace(root, text, scroller) {
  const area = root.closest(".jp-OutputArea, .output");
  const own = root.closest(".jp-OutputArea-child, .output_area");
  let top = 0;
  let nearby = [];
  let until = Infinity;

  function checkFrame() {
    if (root.isConnected) record();
    else if (restore()) return;
    if (performance.now() < until) requestAnimationFrame(checkFrame);
  }

  function record() {
    top = text.getBoundingClientRect().top + scroller.scrollTop;
    nearby = blocksAt(text, topOf(scroller) + scroller.clientHeight / 2);
  }

  // Returns whether the static output has replaced the view.
  function restore() {
    const output = area.children[place]?.querySelector(".jp-RenderedMarkdown, .rendered_html");
    // JupyterLab inserts an output with code empty, and fills it later.
    if (!output?.firstChild || !output.isConnected || output.closest(".ns-live")) return false;
    const rose = top - scroller.scrollTop - output.getBoundingClientRect().top;
    keepInPlace(output, rose, scroller, nearby);
    return true;
  }

  if (!area || !own) return () => {};
  const place = [...area.children].indexOf(own);
  checkFrame();
  return () => (until = performance.now() + SWAP_MS);
}

// Return the blocks near a height of the page with their positions, the nearest first.
function blocksAt(text, height) {
  const blocks = [...text.children].flatMap((one) => (one.matches(".ns-open") ? [...one.children] : one));
  let [low, high] = [0, blocks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (blocks[middle].getBoundingClientRect().bottom > height) high = middle;
    else low = middle + 1;
  }
  const near = blocks.slice(Math.max(0, low - NEAR), low + NEAR);
  return near
    .map((block) => ({ block, y: block.getBoundingClientRect().top }))
    .sort((a, b) => Math.abs(a.y - height) - Math.abs(b.y - height));
}

// Scroll so that what the reader looked at has its old place, `rose` pixels below its new one.
function keepInPlace(output, rose, scroller, nearby = []) {
  const box = output.getBoundingClientRect();
  const edge = topOf(scroller);
  if (box.bottom <= edge || box.top >= edge + scroller.clientHeight) return;
  if (box.top + rose > edge) return rose > 0 && holdMargin(output, rose, scroller);
  const [block, y] = sameBlock(output, nearby) ?? [output, box.top + rose];
  anchor(block, y, scroller);
}

// Find a block of the output with the same text as one of the recorded blocks, and return it with
// the position of the recorded one; null where no text occurs in the output just once.
function sameBlock(output, nearby) {
  const words = (block) => block.textContent.replace(/\s+/g, "");
  const byText = Map.groupBy([...output.children], words);
  for (const { block, y } of nearby) {
    const same = byText.get(words(block));
    if (same?.length === 1) return [same[0], y];
  }
  return null;
}

// Keep a block at a height of the screen while formulas above it are laid out, which changes their
// heights: for `SWAP_MS`, or until the reader scrolls.
function anchor(block, y, scroller) {
  const until = performance.now() + SWAP_MS;
  let set = scroller.scrollTop;

  function correct() {
    const moved = block.getBoundingClientRect().top - y;
    const scrolled = scroller.scrollTop !== set && !isAtBottom(scroller);
    if (!block.isConnected || (moved && scrolled)) return;
    if (Math.abs(moved) >= 1) scroller.scrollTop += moved;
    set = scroller.scrollTop;
    if (performance.now() < until) requestAnimationFrame(correct);
  }

  correct();
}

function isAtBottom(scroller) {
  return scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 1;
}

// Leave a margin in the place of a header that was visible, so that what is below does not move; it
// is removed once the output is not visible, and nothing that is visible moves by that.
function holdMargin(output, px, scroller) {
  output.style.marginTop = `${px}px`;
  const observer = new IntersectionObserver(([entry]) => {
    if (entry.isIntersecting) return;
    observer.disconnect();
    const above = entry.boundingClientRect.bottom <= topOf(scroller);
    const next = above && output.closest(".jp-Cell, .cell")?.nextElementSibling;
    const was = next && next.getBoundingClientRect().top;
    output.style.marginTop = "";
    if (next) scroller.scrollTop += next.getBoundingClientRect().top - was;
  });
  observer.observe(output);
}

function render({ model, el }) {
  const root = element("div", "ns-live", el);
  root.tabIndex = -1;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Answer of Claude");
  root.setAttribute("aria-busy", "true");

  const head = header(root, model, stopNow);
  const text = element("div", "ns-text jp-RenderedHTMLCommon jp-RenderedMarkdown", root);
  const open = element("div", "ns-open", text);
  const copyAll = button("ns-copy-all", head.buttons, "Copy", () => send({ kind: "copy" }));
  copyAll.title = "Copy what came so far, as Markdown";

  let scroller = null;
  let following = null;
  let endRecord = () => {};
  let restoreClipping = () => {};
  let order = Promise.resolve(); // Packets inflate in any order; messages are handled in theirs.
  let have = 0;
  let began = performance.now();
  let lastMessage = began;
  let stopping = false;
  let done = false;

  function tick() {
    if (done) return;
    if (!scroller && root.isConnected) measurePage();
    const now = performance.now();
    if (now - lastMessage > SILENCE_MS) return head.setState("No word from the kernel");
    head.setTime(now - began);
  }

  function measurePage() {
    restoreClipping = unclip(root);
    scroller = scrollerOf(root);
    following = follow(root, scroller);
    endRecord = recordPlace(root, text, scroller);
  }

  function send(message) {
    try {
      model.send(message);
    } catch {
      head.setState("The kernel is gone");
    }
  }

  function stopNow() {
    if (stopping || done) return;
    stopping = true;
    head.showStopping();
    head.setState("Stopping");
    send({ kind: "stop" });
  }

  function end(lines) {
    if (done) return;
    done = true;
    root.setAttribute("aria-busy", "false");
    following?.end();
    const top = text.getBoundingClientRect().top;
    endRecord();
    head.bar.remove();
    restoreClipping();
    if (scroller) keepInPlace(root, top - text.getBoundingClientRect().top, scroller);
    for (const line of lines) element("p", "ns-footer", root, line);
  }

  // Long code, tables and lists are sent in pieces: HTML that begins with + belongs inside of the
  // block before it.
  function append(block) {
    if (!block.startsWith("+")) return open.insertAdjacentHTML("beforebegin", block);
    const last = open.previousElementSibling;
    const inside = insideOf(last);
    inside.replaceChildren();
    if (!inside.matches("code > *")) {
      inside.insertAdjacentHTML("beforebegin", block.slice(1));
      return markLoose(last);
    }
    const piece = element("span", "ns-piece", inside.parentElement);
    piece.innerHTML = block.slice(1);
    inside.before(piece);
  }

  function replaceInside(block, inside) {
    insideOf(block).innerHTML = inside;
    markLoose(block);
  }

  function paint(message, packets) {
    if (message.at > have) return send({ kind: "hello", have });
    const [inside, after] = message.open ? packets.pop() : [];
    const last = open.previousElementSibling;
    packets.slice(have - message.at).flat().forEach(append);
    addCopyButtons(last ? last.nextElementSibling : text.firstElementChild);
    // A message that was sent again may end before the last packet that is shown.
    if (after !== undefined && message.at + packets.length >= have) {
      if (inside) replaceInside(open.previousElementSibling, inside);
      open.innerHTML = after;
    }
    have = Math.max(have, message.at + packets.length);
    lastMessage = performance.now();
    if (!stopping) head.setState(message.wait || PHASES[message.phase]);
    head.showFigures(message);
    began = Math.min(began, performance.now() - message.seconds * 1000);
    following?.update();
    if (message.phase === "done") end(message.footer);
  }

  function receive(message, buffers) {
    const packets = Promise.all((buffers ?? []).map(inflate));
    if (message.kind === "paint") {
      // A message that cannot be handled is reported, and the next ones are handled all the same.
      order = order.then(async () => paint(message, await packets)).catch(reportError);
    }
    if (message.kind === "markdown") {
      copy(message.text);
      confirm(copyAll, "Copy");
    }
  }

  function onKey(event) {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    stopNow();
  }

  root.addEventListener("keydown", onKey);
  model.on("msg:custom", receive);
  const clock = setInterval(tick, TICK_MS);
  send({ kind: "hello", have });

  return () => {
    clearInterval(clock);
    model.off("msg:custom", receive);
    following?.end();
    restoreClipping();
    endRecord();
  };
}

export default { render };
