"""What the gallery holds: styles that come with the plug-in, and the artist's own. It knows nothing of GIMP."""
