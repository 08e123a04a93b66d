"""The report: facts into one bounded `Report`, and that into markdown, HTML, JUnit and a terminal summary."""
