"""The turns of a chat, where a prompt is asked among them, and who waits for whom."""
