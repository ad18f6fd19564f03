"""The values that steer an update: keys, the values that a file allows, and weights by key. Start with `keys`."""
