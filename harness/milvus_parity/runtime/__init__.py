"""Where the programs run: as processes of this machine or in containers, behind one protocol."""
