"""What goes over the wire: an address of its own for each execution, recorded, decoded and compared."""
