"""What the tables are measured with: processes, their memory and their time; the market they work on."""
