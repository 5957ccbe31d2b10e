"""What was done and reached, as one page that needs nothing but a browser."""
