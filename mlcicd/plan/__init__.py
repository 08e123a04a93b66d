"""What runs, in no platform's words: jobs, their order, and six kinds of step."""
