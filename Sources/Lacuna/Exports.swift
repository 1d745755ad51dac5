@_exported public import Diagnostics
@_exported public import Documents
@_exported public import Hardware
@_exported public import Quantities
@_exported public import Reporting
@_exported public import Simulation
@_exported public import Traces
@_exported public import Workloads
