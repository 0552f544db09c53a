"""Files nobody should send, and some that only look odd, each with the answer it must get."""
