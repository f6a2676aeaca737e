"""From bytes to images, and from folders and archives to labelled image sets."""
