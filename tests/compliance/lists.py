"""Lists in the format in which OFAC publishes them, with invented names."""

from pathlib import Path

SDN = '''\
101,"ZARKHOV, Emil Anton",individual,"DEMO-1",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,"DOB 01 Jan 1961; POB Nowhere; ""THE CLERK"""
102,"VELTRI QUINONEZ, Marisol",individual,"DEMO-2] [DEMO-1","Treasurer",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0-
103,"ORBELAX TRADING COMPANY",-0- ,"DEMO-1",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0-
104,"DREVIN STAR",vessel,"DEMO-3",-0- ,"D5AA1","Bulk Carrier","5,100","3,200","Panama","ORBELAX TRADING COMPANY","IMO 0000000"
105,"AL-QASSIBI, Noureddin bin Talal",individual,"DEMO-2",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,"several
lines of remarks"
'''
ALT = '101,11,"aka","ZARKOV, Emile",-0- \n105,12,"fka","QASEEBI, Nour",-0- \n'
ADD = '101,21,"12 Harbour Street","Port Nowhere","Atlantis",-0- \n103,22,-0- ,-0- ,"Atlantis",-0- \n'


def write(folder: Path, sdn: str = SDN, alt: str = ALT, add: str = ADD, *, end: bytes = b"\x1a") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("sdn.csv", sdn), ("alt.csv", alt), ("add.csv", add)):
        (folder / name).write_bytes(text.replace("\n", "\r\n").encode() + end)
    return folder / "sdn.csv"
