"""What runs, in no platform's words: jobs, their order, and four kinds of step."""
