"""Makes an avatar: actor -> renders -> training -> bundle. See README.md."""
