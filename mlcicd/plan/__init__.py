"""What runs, in no platform's words: jobs, their order, and five kinds of step."""
