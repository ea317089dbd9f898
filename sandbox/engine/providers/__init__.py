"""Resource providers and the plugins that serve them."""
