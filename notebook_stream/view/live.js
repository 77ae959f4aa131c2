// The live view in the page. It keeps no text of its own: finished blocks are put in once, the open
// one is replaced by each message, and what it missed it asks for.

const PHASES = {
  waiting: "Waiting for the first token",
  thinking: "Thinking",
  writing: "Writing",
  done: "Done",
};
const TICK_MS = 100;
const SILENCE_MS = 10_000; // The kernel says something every second while it lives.
const NEAR = 6; // So many blocks to each side may serve to tell where the reader is.
const SWAP_MS = 3000; // For how long a page may take to lay out what comes in the view's place.
const AT_END_PX = 48; // As near to the end as this is at the end.

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

// The header: what goes on, and Stop.

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
    say(words) {
      if (state.textContent !== words) state.textContent = words;
    },
    tick(ms) {
      seconds.textContent = `${(ms / 1000).toFixed(1)} s`;
    },
    stopping() {
      stop.textContent = "Stopping";
      stop.disabled = true;
    },
    show(message) {
      const about = message.exact || !message.tokens ? "" : "≈ ";
      name.textContent = message.model;
      tokens.textContent = `${about}${message.tokens.toLocaleString("en")} tokens`;
      rate.textContent = message.rate ? `${message.rate} tokens/s` : "";
      cost.textContent = message.cost ?? "";
    },
  };
}

// Copying: the answer as Markdown (the kernel has it), or a block of code.

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages served over plain HTTP have no clipboard.
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

// What a packet holds.

function inflated(buffer) {
  const whole = new Blob([buffer]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(whole).json();
}

// Where more of a list, a table or a block of code goes, while it is open.

function insideOf(block) {
  const known = block.querySelector(".ns-inside");
  if (known) return known;
  if (block.matches("table")) return element("tbody", "ns-inside", block);
  return element("span", "ns-inside", block.matches("ul, ol") ? block : block.querySelector("code"));
}

// Whether a list's items stand apart may show late; then it holds for all of them. (A style with
// `:has` would tell as well, and let the end of a list of a thousand items be painted 0.4 s late.)
function tellLoose(block) {
  if (block.querySelector(":scope > .ns-loose, :scope > .ns-inside > .ns-loose")) {
    block.classList.add("ns-loose");
  }
}

// The page around the view: what scrolls it, and what would hide the header of a long answer.

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

function openUp(root) {
  const opened = [];
  for (let up = root.parentElement; up; up = up.parentElement) {
    // What cuts off would also hold back the header; at most outputs do.
    if (up.matches(".jp-Cell, .cell, body")) break;
    if (getComputedStyle(up).overflowY !== "visible") opened.push(up);
  }
  for (const up of opened) up.classList.add("ns-open-up");
  return () => opened.forEach((up) => up.classList.remove("ns-open-up"));
}

function follow(root, scroller) {
  let set = -1;
  let following = isAtEnd();
  const jump = button("ns-jump", root, "Jump to the end ↓", () => {
    following = true;
    painted();
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

  // Of what a reader does, not of what is scrolled here.
  function moved() {
    if (scroller.scrollTop === set) return;
    following = isAtEnd();
    painted();
  }

  function painted() {
    if (following) toEnd();
    const box = root.getBoundingClientRect();
    jump.hidden = following || box.bottom <= bottom() || box.top > bottom();
  }

  const heard = scroller === document.scrollingElement ? document : scroller;
  heard.addEventListener("scroll", moved, { passive: true });
  return {
    painted,
    end() {
      jump.remove();
      heard.removeEventListener("scroll", moved);
    },
  };
}

// The end: the header goes, and what the reader looks at stays where it is. The page takes the view
// out before it says so: each frame knows where things were in the one before.

function keepPlace(root, text, scroller) {
  const area = root.closest(".jp-OutputArea, .output");
  const own = root.closest(".jp-OutputArea-child, .output_area");
  let top = 0;
  let inSight = [];
  let until = Infinity;

  function look() {
    if (root.isConnected) remember();
    else if (swapped()) return;
    if (performance.now() < until) requestAnimationFrame(look);
  }

  function remember() {
    top = text.getBoundingClientRect().top + scroller.scrollTop;
    inSight = blocksAt(text, topOf(scroller) + scroller.clientHeight / 2);
  }

  function swapped() {
    const output = area.children[place]?.querySelector(".jp-RenderedMarkdown, .rendered_html");
    // What has code in it is empty at first.
    if (!output?.firstChild || !output.isConnected || output.closest(".ns-live")) return false;
    const rose = top - scroller.scrollTop - output.getBoundingClientRect().top;
    stay(output, rose, scroller, inSight);
    return true;
  }

  if (!area || !own) return () => {};
  const place = [...area.children].indexOf(own);
  look();
  return () => (until = performance.now() + SWAP_MS);
}

// Some blocks around a height of the page, and where they are; the nearest first.
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

function stay(output, rose, scroller, inSight = []) {
  const box = output.getBoundingClientRect();
  const edge = topOf(scroller);
  if (box.bottom <= edge || box.top >= edge + scroller.clientHeight) return;
  if (box.top + rose > edge) return rose > 0 && hold(output, rose, scroller);
  const [block, y] = sameBlock(output, inSight) ?? [output, box.top + rose];
  anchor(block, y, scroller);
}

// The block of the output that says what one of those said, and where that one was.
function sameBlock(output, inSight) {
  const words = (block) => block.textContent.replace(/\s+/g, "");
  const said = Map.groupBy([...output.children], words);
  for (const { block, y } of inSight) {
    const same = said.get(words(block));
    if (same?.length === 1) return [same[0], y];
  }
  return null;
}

// Formulas above it are set later, and change their heights: it is held until they stand, or until
// somebody scrolls.
function anchor(block, y, scroller) {
  const until = performance.now() + SWAP_MS;
  let set = scroller.scrollTop;

  function keep() {
    const moved = block.getBoundingClientRect().top - y;
    const scrolled = scroller.scrollTop !== set && !isAtBottom(scroller);
    if (!block.isConnected || (moved && scrolled)) return;
    if (Math.abs(moved) >= 1) scroller.scrollTop += moved;
    set = scroller.scrollTop;
    if (performance.now() < until) requestAnimationFrame(keep);
  }

  keep();
}

function isAtBottom(scroller) {
  return scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 1;
}

// Where the header was in sight its place stays empty, as long as somebody may look at what is below
// it; out of sight it goes, and nothing that is in sight moves for it.
function hold(output, px, scroller) {
  output.style.marginTop = `${px}px`;
  const seen = new IntersectionObserver(([entry]) => {
    if (entry.isIntersecting) return;
    seen.disconnect();
    const above = entry.boundingClientRect.bottom <= topOf(scroller);
    const next = above && output.closest(".jp-Cell, .cell")?.nextElementSibling;
    const was = next && next.getBoundingClientRect().top;
    output.style.marginTop = "";
    if (next) scroller.scrollTop += next.getBoundingClientRect().top - was;
  });
  seen.observe(output);
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
  const copyAll = button("ns-copy-all", head.buttons, "Copy", () => tell({ kind: "copy" }));
  copyAll.title = "Copy what came so far, as Markdown";

  let scroller = null;
  let following = null;
  let lookAway = () => {};
  let closeUp = () => {};
  let order = Promise.resolve(); // Packets take their time; messages keep their order.
  let have = 0;
  let began = performance.now();
  let heard = began;
  let stopping = false;
  let done = false;

  function tick() {
    if (done) return;
    if (!scroller && root.isConnected) settle();
    const now = performance.now();
    if (now - heard > SILENCE_MS) return head.say("No word from the kernel");
    head.tick(now - began);
  }

  function settle() {
    closeUp = openUp(root);
    scroller = scrollerOf(root);
    following = follow(root, scroller);
    lookAway = keepPlace(root, text, scroller);
  }

  function tell(message) {
    try {
      model.send(message);
    } catch {
      head.say("The kernel is gone");
    }
  }

  function stopNow() {
    if (stopping || done) return;
    stopping = true;
    head.stopping();
    head.say("Stopping");
    tell({ kind: "stop" });
  }

  function end(lines) {
    if (done) return;
    done = true;
    root.setAttribute("aria-busy", "false");
    following?.end();
    const top = text.getBoundingClientRect().top;
    lookAway();
    head.bar.remove();
    closeUp();
    if (scroller) stay(root, top - text.getBoundingClientRect().top, scroller);
    for (const line of lines) element("p", "ns-footer", root, line);
  }

  // Long code, tables and lists come in pieces: what begins with + is more of the block before it.
  function put(block) {
    if (!block.startsWith("+")) return open.insertAdjacentHTML("beforebegin", block);
    const last = open.previousElementSibling;
    const inside = insideOf(last);
    inside.replaceChildren();
    if (!inside.matches("code > *")) {
      inside.insertAdjacentHTML("beforebegin", block.slice(1));
      return tellLoose(last);
    }
    const piece = element("span", "ns-piece", inside.parentElement);
    piece.innerHTML = block.slice(1);
    inside.before(piece);
  }

  function grow(block, inside) {
    insideOf(block).innerHTML = inside;
    tellLoose(block);
  }

  function paint(message, packets) {
    if (message.at > have) return tell({ kind: "hello", have });
    const [inside, after] = message.open ? packets.pop() : [];
    const last = open.previousElementSibling;
    packets.slice(have - message.at).flat().forEach(put);
    addCopyButtons(last ? last.nextElementSibling : text.firstElementChild);
    // A message that was sent again may end before what is shown.
    if (after !== undefined && message.at + packets.length >= have) {
      if (inside) grow(open.previousElementSibling, inside);
      open.innerHTML = after;
    }
    have = Math.max(have, message.at + packets.length);
    heard = performance.now();
    if (!stopping) head.say(message.wait || PHASES[message.phase]);
    head.show(message);
    began = Math.min(began, performance.now() - message.seconds * 1000);
    following?.painted();
    if (message.phase === "done") end(message.footer);
  }

  function hear(message, buffers) {
    const packets = Promise.all((buffers ?? []).map(inflated));
    if (message.kind === "paint") {
      // One that fails says so, and takes none of the others with it.
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
  model.on("msg:custom", hear);
  const clock = setInterval(tick, TICK_MS);
  tell({ kind: "hello", have });

  return () => {
    clearInterval(clock);
    model.off("msg:custom", hear);
    following?.end();
    closeUp();
    lookAway();
  };
}

export default { render };
