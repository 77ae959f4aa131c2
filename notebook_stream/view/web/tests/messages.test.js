// @vitest-environment node
import { expect, test } from "vitest";
import { inflate } from "../src/messages.js";

test("a packet is deflated JSON", async () => {
  const packet = [...Array(50).keys()].map((n) => `<p>é ${n}</p>`);
  const deflating = new Blob([JSON.stringify(packet)])
    .stream()
    .pipeThrough(new CompressionStream("deflate"));
  const buffer = await new Response(deflating).arrayBuffer();
  expect(await inflate(new DataView(buffer))).toEqual(packet);
});

test("a packet that is cut is refused", async () => {
  await expect(inflate(new DataView(new ArrayBuffer(3)))).rejects.toThrow();
});
