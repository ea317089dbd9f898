"""What devices and their back end send each other, whichever protocol they use."""
