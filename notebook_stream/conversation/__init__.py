"""The state of a chat: its turns, the place of each prompt among them, and the queue of prompts."""
