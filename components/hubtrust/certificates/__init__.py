"""What a certificate resource declares, how it is issued, and how possession is proven."""
