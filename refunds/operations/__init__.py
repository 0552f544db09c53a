"""What can be done with a refund request: one verb a file, one durable transaction a verb."""
