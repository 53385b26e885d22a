"""Downloads: the only door to urllib3. What a server says counts only where a digest known beforehand holds."""
