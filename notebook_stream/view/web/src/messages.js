// The messages between kernel and page, as ../../feed.py and ../../area.py describe them.

/**
 * The state and figures of an answer, with the packets of HTML as buffers.
 *
 * @typedef {object} PaintMessage
 * @property {"paint"} kind
 * @property {number} [answer] The number of the answer in its area; none under a cell.
 * @property {number} at The number of the first packet.
 * @property {boolean} open Whether the last packet is the open block.
 * @property {"waiting" | "thinking" | "writing" | "done"} phase
 * @property {string} wait What the answer waits for; "" for nothing.
 * @property {string} model
 * @property {number} tokens
 * @property {boolean} exact Whether `tokens` is the API's count.
 * @property {number} seconds Since the view was made.
 * @property {number | null} rate Tokens a second.
 * @property {string | null} cost
 *
 * @typedef {object} Ending What a message has in addition with the phase "done".
 * @property {string[]} notes Sentences under the answer.
 * @property {string} ending How it ended in a word or two; "" where the model ended it.
 * @property {string} figures Its model, tokens, cost and seconds.
 * @property {string} voice How it ended, for those who hear the page.
 */

/**
 * The answer as Markdown, which Copy asked for.
 *
 * @typedef {object} MarkdownMessage
 * @property {"markdown"} kind
 * @property {number} [answer]
 * @property {string} text
 */

/**
 * The widget's model, as anywidget gives it.
 *
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(message: object) => void} send
 * @property {(event: string, receive: (message: any, buffers: DataView[]) => void) => void} on
 * @property {(event: string, receive: (message: any, buffers: DataView[]) => void) => void} off
 */

/**
 * Decode a packet: deflated JSON.
 *
 * @param {DataView} buffer
 * @returns {Promise<any>}
 */
export function inflate(buffer) {
  const bytes = /** @type {DataView<ArrayBuffer>} */ (buffer);
  const whole = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(whole).json();
}
