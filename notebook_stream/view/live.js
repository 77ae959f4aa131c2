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

function element(tag, name, parent, text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  parent.append(made);
  return made;
}

function render({ model, el }) {
  const root = element("div", "ns-live", el);
  root.tabIndex = -1;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Answer of Claude");
  root.setAttribute("aria-busy", "true");

  const bar = element("div", "ns-bar", root);
  element("span", "ns-pulse", bar).setAttribute("aria-hidden", "true");
  const state = element("span", "ns-state", bar, PHASES.waiting);
  state.setAttribute("role", "status");
  const name = element("span", "ns-model", bar, model.get("model"));
  const recorded = element("span", "ns-recorded", bar, "recorded reply");
  recorded.hidden = !model.get("recorded");
  const seconds = element("span", "ns-seconds", bar, "0.0 s");
  const tokens = element("span", "ns-tokens", bar, "0 tokens");
  const stop = element("button", "ns-stop", bar, "Stop");
  stop.type = "button";
  stop.title = "Stop the answer and keep what came (Esc)";

  const text = element("div", "ns-text jp-RenderedHTMLCommon jp-RenderedMarkdown", root);
  const open = element("div", "ns-open", text);

  let have = 0;
  let began = performance.now();
  let heard = began;
  let stopping = false;
  let done = false;

  function say(words) {
    if (state.textContent !== words) state.textContent = words;
  }

  function tick() {
    if (done) return;
    const now = performance.now();
    if (now - heard > SILENCE_MS) return say("No word from the kernel");
    seconds.textContent = `${((now - began) / 1000).toFixed(1)} s`;
  }

  function tell(message) {
    try {
      model.send(message);
    } catch {
      say("The kernel is gone");
    }
  }

  function stopNow() {
    if (stopping || done) return;
    stopping = true;
    stop.textContent = "Stopping";
    stop.disabled = true;
    say("Stopping");
    tell({ kind: "stop" });
  }

  function end(lines) {
    if (done) return;
    done = true;
    root.setAttribute("aria-busy", "false");
    bar.remove();
    for (const line of lines) element("p", "ns-footer", root, line);
  }

  function paint(message) {
    if (message.at > have) {
      tell({ kind: "hello", have });
      return;
    }
    for (const block of message.blocks.slice(have - message.at)) {
      open.insertAdjacentHTML("beforebegin", block);
      have += 1;
    }
    // A message that was sent again may end before what is shown.
    const current = message.at + message.blocks.length === have;
    if (current && message.open !== undefined) open.innerHTML = message.open;
    heard = performance.now();
    if (!stopping) say(PHASES[message.phase]);
    name.textContent = message.model;
    tokens.textContent = `${message.exact || !message.tokens ? "" : "≈ "}${message.tokens.toLocaleString("en")} tokens`;
    began = Math.min(began, performance.now() - message.seconds * 1000);
    if (message.phase === "done") end(message.footer);
  }

  function onKey(event) {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    stopNow();
  }

  stop.addEventListener("click", stopNow);
  root.addEventListener("keydown", onKey);
  model.on("msg:custom", paint);
  const clock = setInterval(tick, TICK_MS);
  tell({ kind: "hello", have });

  return () => {
    clearInterval(clock);
    model.off("msg:custom", paint);
  };
}

export default { render };
