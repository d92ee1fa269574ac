"""A Twilio Marketplace recording-analysis add-on; CONTRIBUTING.md shows the house, room by room."""
