"""What the owner of the halls sees, signed in with a password."""
