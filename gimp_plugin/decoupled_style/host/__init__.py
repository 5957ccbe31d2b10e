"""What touches GIMP: the arguments of the procedures, pixels, layers, and what is kept between runs."""
