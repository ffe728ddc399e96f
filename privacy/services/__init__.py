"""The use cases of this room: copies of one's data, closing an account, and how long things are kept."""
