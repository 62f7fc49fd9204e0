"""Assets: every unit from the moment it is ordered, where it is and who has it."""
