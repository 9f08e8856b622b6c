"""The endpoint elsewhere: what the hubs of many halls tell, and what their owner sees of it.

It shares `sync.protocol`, `edge.facts` and `edge.clock` with the boxes, and knows nothing else of them.
"""
