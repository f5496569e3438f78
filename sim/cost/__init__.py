"""What a run costs: usage x dated prices -> an itemised bill.

    usage      what a run consumed, with intervals          (filled from Results by the caller)
    catalogue  prices, each with unit, basis, date, source  (read from prices/*.yaml)
    terms      private discount, savings plan, spot
    bill       the two multiplied, line by line, and their sum, allotted to workflows
    nodes      a node's price from its components
    cloud      the same load on Temporal Cloud and Step Functions, and where they break even
    focus      a bill as FOCUS 1.2 CSV

Money is float US dollars, rounded only where it is printed.
"""
