"""One file a way out. A sender is handed a Parcel, makes one try, and says in a Result what became of it."""
