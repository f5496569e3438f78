"""Where pods and stores stand: hosts, nodes, zones, regions, several masters; and what distance costs."""
