"""What the tests know of each notebook's exercises, and readers must not."""
